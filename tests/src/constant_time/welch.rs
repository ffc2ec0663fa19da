//! Welch's t-test over two sets of times.

/// The largest |t| of the whole sets and of what is left when the times above a percentile of both together are cropped: interrupts make a long
/// tail that hides differences.
#[must_use]
pub fn largest(first: &[f64], second: &[f64]) -> f64 {
    let mut together: Vec<f64> = first.iter().chain(second).copied().collect();
    together.sort_by(f64::total_cmp);
    let cropped = |percent: usize| {
        let limit = together[(together.len() - 1) * percent / 100];
        let below = |times: &[f64]| times.iter().copied().filter(|time| *time <= limit).collect::<Vec<_>>();
        statistic(&below(first), &below(second)).abs()
    };
    if together.is_empty() { 0.0 } else { PERCENTILES.into_iter().map(cropped).fold(0.0, f64::max) }
}

/// t; 0 where there is too little to tell.
#[must_use]
pub fn statistic(first: &[f64], second: &[f64]) -> f64 {
    let (Some((one, own)), Some((other, its))) = (moments(first), moments(second)) else { return 0.0 };
    let error = (own + its).sqrt();
    if error > 0.0 {
        (one - other) / error
    } else if one == other {
        0.0
    } else {
        // Two sets without any spread, apart.
        (one - other).signum() * f64::MAX
    }
}

/// The mean, and the variance of the mean; `None` for fewer than two.
#[allow(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 samples")]
fn moments(samples: &[f64]) -> Option<(f64, f64)> {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    (samples.len() >= 2).then(|| (mean, squares / (count - 1.0) / count))
}

const PERCENTILES: [usize; 6] = [50, 75, 90, 95, 99, 100];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistic_is_that_of_the_textbooks() {
        // Means 20.82 and 23.65, variances 7.87 and 6.93: t = −2.85 for fifteen each.
        let first = [27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4];
        let second = [27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 24.4];
        assert!((statistic(&first, &second) + 2.853).abs() < 0.001, "{}", statistic(&first, &second));
        assert!(statistic(&first, &first).abs() < f64::EPSILON);
        assert!(statistic(&[1.0], &second).abs() < f64::EPSILON);
    }

    #[test]
    fn a_tail_does_not_hide_a_difference() {
        let noisy =
            |base: f64| (0..1000).map(move |i| if i % 20 == 0 { 1e6 * f64::from(i) } else { base + f64::from(i % 7) });
        let (first, second): (Vec<_>, Vec<_>) = (noisy(100.0).collect(), noisy(103.0).collect());
        assert!(statistic(&first, &second).abs() < 1.0);
        assert!(largest(&first, &second) > 10.0);
        assert!(largest(&first, &first) < 1.0);
        assert!(largest(&[], &[]).abs() < f64::EPSILON);
    }
}
