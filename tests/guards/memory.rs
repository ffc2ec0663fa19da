//! What a hostile or enormous input may cost: the bound of 64 MiB at the peak, the input included, measured by `bench memory`.

use std::process::Command;

/// A list of 60 MB is 57.2 MiB of it.
const BOUND: f64 = 64.0;

#[cfg(target_os = "linux")]
#[test]
fn a_list_of_sixty_megabytes_and_sets_made_to_exhaust_stay_within_their_bound() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_bench")).args(["memory", "--json"]).output().expect("the bench binary");
    let text = String::from_utf8(output.stdout).expect("text");
    let peaks: Vec<(String, f64)> = text
        .lines()
        .map(|line| {
            let peak: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            (peak["name"].as_str().expect("a name").to_owned(), peak["peak_mib"].as_f64().expect("a figure"))
        })
        .collect();
    assert_eq!(peaks.len(), 5, "{text}{}", String::from_utf8_lossy(&output.stderr));
    for (name, peak) in &peaks {
        assert!(*peak <= BOUND, "{name}: {peak} MiB");
    }
    let of_lists = peaks.iter().filter(|(name, _)| name.starts_with("crl-60mb"));
    for (name, peak) in of_lists {
        assert!(*peak > 57.0, "{name}: {peak} MiB is less than the list itself: nothing was measured");
    }
}
