//! A spec, its orders and a database to write to.

use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use postgres::SimpleQueryMessage;

use crate::support::postgres::{self as server, PASSWORD};
use crate::support::{Case, segc, stderr, stdout};

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
    /// A database of PostgreSQL; without, a file of SQLite.
    pub database: Option<server::Database>,
}

/// Tells a story to every kind of database.
pub fn each(story: impl Fn(&Place)) {
    story(&Place::sqlite());
    story(&Place::postgres());
}

impl Place {
    pub fn sqlite() -> Place {
        Place { case: Case::new(SPEC, ORDERS), database: None }
    }

    /// A database in which `analyst` may make tables.
    pub fn postgres() -> Place {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("sinks_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let database = server::cluster().database(&name, "GRANT CREATE ON SCHEMA public TO analyst");
        Place { case: Case::new(SPEC, ORDERS), database: Some(database) }
    }

    /// The value of `--to`.
    pub fn to(&self, table: &str) -> String {
        match self.database {
            None => format!("sqlite:crm.db#{table}"),
            Some(_) => format!("postgres:CRM_DB#{table}"),
        }
    }

    /// The database as a spec names it.
    pub fn words(&self) -> &'static str {
        match self.database {
            None => "sqlite \"crm.db\"",
            Some(_) => "postgres env \"CRM_DB\"",
        }
    }

    /// Whatever becomes of a build: nothing that it prints or writes has the password.
    pub fn segc(&self, arguments: &[&str]) -> Output {
        let mut command = segc(&["build", "case.seg"]);
        command.args(arguments).current_dir(self.case.folder.path()).env_remove("CRM_DB");
        command.envs(self.database.iter().map(|database| ("CRM_DB", database.url())));
        let output = command.output().unwrap();
        self.keeps_the_secret(&output);
        output
    }

    #[track_caller]
    pub fn keeps_the_secret(&self, output: &Output) {
        let said = stdout(output) + &stderr(output);
        assert!(!said.contains(PASSWORD), "{said}");
        for entry in std::fs::read_dir(self.case.path("out/case")).into_iter().flatten().flatten() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
            assert!(!found, "{:?} has the password", entry.path());
        }
    }

    /// A build that has to succeed.
    #[track_caller]
    pub fn build(&self, arguments: &[&str]) -> Output {
        let output = self.segc(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        output
    }

    pub fn run(&self, sql: &str) {
        match &self.database {
            None => self.file().execute_batch(sql).unwrap(),
            Some(_) => self.client().batch_execute(sql).unwrap(),
        }
    }

    /// The rows of an answer, cells joined by `|`.
    #[track_caller]
    pub fn ask(&self, sql: &str) -> Vec<String> {
        if self.database.is_some() {
            let rows = self.client().simple_query(sql).unwrap_or_else(|error| panic!("{error:?}: {sql}"));
            let rows = rows.iter().filter_map(|m| if let SimpleQueryMessage::Row(row) = m { Some(row) } else { None });
            let text = |row: &postgres::SimpleQueryRow| {
                (0..row.len()).map(|nth| row.get(nth).unwrap_or("").to_owned()).collect::<Vec<_>>().join("|")
            };
            return rows.map(text).collect();
        }
        use rusqlite::types::ValueRef;
        let connection = self.file();
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
        if self.database.is_some() {
            return self.ask(&format!("SELECT 1 FROM pg_class WHERE relname = '{table}'")) == ["1"];
        }
        let sql = format!("SELECT count(*) FROM sqlite_schema WHERE name = '{table}'");
        self.case.path("crm.db").exists() && self.ask(&sql) == ["1"]
    }

    /// Makes the table say no to a customer.
    pub fn refuse(&self, table: &str, customer: &str) {
        match self.database {
            None => self.run(&format!(
                "CREATE TRIGGER no BEFORE INSERT ON {table} WHEN new.customer = '{customer}'
                 BEGIN SELECT RAISE(ABORT, 'no {customer} here'); END"
            )),
            Some(_) => self.run(&format!(
                "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN RAISE EXCEPTION 'no {customer} here'; END $$;
                 CREATE TRIGGER no BEFORE INSERT ON {table} FOR EACH ROW WHEN (new.customer = '{customer}')
                   EXECUTE FUNCTION no()"
            )),
        }
    }

    fn file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.case.path("crm.db")).unwrap()
    }

    /// A connection as the role that the sink has.
    pub fn client(&self) -> postgres::Client {
        let url = self.database.as_ref().expect("a database of PostgreSQL").url();
        postgres::Client::connect(&url, postgres::NoTls).unwrap()
    }
}
