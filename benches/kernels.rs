//! The kernels of clustering on points from a file, for `kernels.py`, which measures others on the same points.
//!
//! ```text
//! kernels POINTS COLUMNS fit K RESTARTS | search LOW HIGH RESTARTS | silhouette LABELS
//! ```
//!
//! `POINTS` are little-endian doubles, row by row; `LABELS` a little-endian u32 per row. Prints one JSON object: CPU and wall
//! seconds of the kernel itself, without reading, and what it found.

use std::time::Instant;

use ndarray::Array2;
use segc::cluster::{KMeansOptions, Sample, fit, search, silhouette};
use segc::progress::Silent;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [points, columns, task, rest @ ..] = arguments.as_slice() else {
        // `cargo bench` calls without arguments.
        println!("benches/kernels.py calls this with points");
        return;
    };
    let columns: usize = columns.parse().expect("a number of columns");
    let values: Vec<f64> = std::fs::read(points)
        .expect("a file of points")
        .chunks_exact(8)
        .map(|bytes| f64::from_le_bytes(bytes.try_into().expect("eight bytes")))
        .collect();
    let points = Array2::from_shape_vec((values.len() / columns, columns), values).expect("whole rows");
    let number = |place: usize| -> u32 { rest[place].parse().expect("a number") };
    let options = |restarts: u32| KMeansOptions { restarts, seed: 42, ..KMeansOptions::default() };
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let sample = Sample::new(points.view()).expect("finite points");
    let found = match task.as_str() {
        "fit" => {
            let fitted = fit(&sample, number(0), &options(number(1))).expect("enough points");
            format!("\"inertia\": {}, \"iterations\": {}", fitted.inertia, fitted.iterations)
        }
        "search" => {
            let found = search(&sample, number(0)..=number(1), &options(number(2)), &Silent).expect("enough points");
            let inertias: Vec<f64> = found.iter().map(|candidate| candidate.fit.inertia).collect();
            let silhouettes: Vec<f64> = found.iter().filter_map(|candidate| candidate.silhouette).collect();
            format!("\"inertias\": {inertias:?}, \"silhouettes\": {silhouettes:?}")
        }
        "silhouette" => {
            let labels: Vec<u32> = std::fs::read(&rest[0])
                .expect("a file of labels")
                .chunks_exact(4)
                .map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes")))
                .collect();
            format!("\"silhouette\": {}", silhouette(&sample, &labels).expect("more than one label").mean)
        }
        other => panic!("no task {other}"),
    };
    println!("{{\"cpu\": {}, \"wall\": {}, {found}}}", cpu_seconds() - cpu, wall.elapsed().as_secs_f64());
}

/// CPU time of all threads of this process, which the kernel counts in nanoseconds.
fn cpu_seconds() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").expect("a Linux system");
    let nanoseconds = |thread: std::io::Result<std::fs::DirEntry>| -> Option<f64> {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        stat.split_whitespace().next()?.parse().ok()
    };
    threads.filter_map(nanoseconds).sum::<f64>() / 1e9
}
