//! The loop that looks for another bundle of policies.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pause;
use crate::policies::PolicyFile;

/// Between two looks at the bundle of policies.
const POLICIES: Duration = Duration::from_secs(60);

/// Puts another bundle of policies in force once it lies there. What is wrong with one leaves those in force.
pub(crate) async fn refresh_policies(policies: Arc<PolicyFile>, shutdown: CancellationToken) {
    while !pause(&shutdown, POLICIES).await {
        match policies.refresh().await {
            Ok(true) => tracing::info!("other policies are in force"),
            Ok(false) => {}
            Err(problem) => {
                metrics::counter!("vuzol_policy_failures_total").increment(1);
                tracing::error!(cause = %problem, "the bundle of policies is not adopted; those in force stay");
            }
        }
    }
}
