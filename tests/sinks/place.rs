//! A spec, its orders and a database to write to.

use std::process::Output;

use crate::support::{Case, segc, stderr};

const SPEC: &str = r#"segmentation case {
  currency GBP
  param today = @2024-04-01
  param big = 50 GBP
  param gone = "nobody"
  source orders from "orders.csv" { customer: id; price: money; at: datetime }
  filter { drop "gone" when customer = gone }
  revenue price
  as_of today
  features {
    spent = sum(price)
    n = count()
    last = max(at)
    often = count() > 1
    since = as_of - max(at)
    large = share(price > 20 GBP)
  }
  label customers {
    "Big" when spent >= big
    otherwise "Small"
  }
}
"#;

const ORDERS: &str = "customer,price,at
ann,39,2024-01-10 09:15:00
ann,30,2024-06-20 11:00:00
ben,12,2024-02-29 10:00:00
cleo,90,2024-06-30 16:45:00
fay,171.79,2023-12-24 15:00:00
fay,0.395,2024-02-10 09:00:00
fay,1,2024-05-01 00:00:00
\"o'neil\"\"; --\",1,2024-03-01 00:00:00
";

pub struct Place {
    pub case: Case,
}

/// Tells a story to every kind of database.
pub fn each(story: impl Fn(&Place)) {
    story(&Place::sqlite());
}

impl Place {
    pub fn sqlite() -> Place {
        Place { case: Case::new(SPEC, ORDERS) }
    }

    /// The value of `--to`.
    pub fn to(&self, table: &str) -> String {
        format!("sqlite:crm.db#{table}")
    }

    /// The database as a spec names it.
    pub fn words(&self) -> &'static str {
        "sqlite \"crm.db\""
    }

    pub fn segc(&self, arguments: &[&str]) -> Output {
        segc(&["build", "case.seg"]).args(arguments).current_dir(self.case.folder.path()).output().unwrap()
    }

    /// A build that has to succeed.
    #[track_caller]
    pub fn build(&self, arguments: &[&str]) -> Output {
        let output = self.segc(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        output
    }

    pub fn run(&self, sql: &str) {
        self.connection().execute_batch(sql).unwrap();
    }

    /// The rows of an answer, cells joined by `|`.
    #[track_caller]
    pub fn ask(&self, sql: &str) -> Vec<String> {
        use rusqlite::types::ValueRef;
        let connection = self.connection();
        let mut statement = connection.prepare(sql).unwrap();
        let width = statement.column_count();
        let text = |value: ValueRef| match value {
            ValueRef::Null => String::new(),
            ValueRef::Integer(n) => n.to_string(),
            ValueRef::Real(x) => x.to_string(),
            value => value.as_str().unwrap().to_owned(),
        };
        let row = |row: &rusqlite::Row| {
            let cells: Vec<String> = (0..width).map(|nth| text(row.get_ref_unwrap(nth))).collect();
            Ok(cells.join("|"))
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    }

    pub fn has(&self, table: &str) -> bool {
        let sql = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'");
        self.case.path("crm.db").exists() && self.ask(&sql) == ["1"]
    }

    /// Makes the table say no to a customer.
    pub fn refuse(&self, table: &str, customer: &str) {
        self.run(&format!(
            "CREATE TRIGGER no BEFORE INSERT ON {table} WHEN new.customer = '{customer}'
             BEGIN SELECT RAISE(ABORT, 'no {customer} here'); END"
        ));
    }

    fn connection(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.case.path("crm.db")).unwrap()
    }
}
