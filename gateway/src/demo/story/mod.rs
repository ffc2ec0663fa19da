//! The story: one signed document crosses the node, is proven, and then the node refuses what it must.
//!
//! [`play`] tells it from the making of the keys to the last refusal. Everything goes over real HTTPS through the public
//! API; the story has no other way into the node.

mod journey;
mod refusals;
mod world;

use std::path::Path;
use std::sync::Arc;

use storage::Clock;

use super::screen::{Screen, Stopped};
pub use world::World;

/// Plays the whole story in `directory`, which must be empty. Returns the world with its node still running.
///
/// # Errors
/// [`Stopped`] at the first step that is not as it should be; the node is stopped then.
pub async fn play(directory: &Path, clock: Arc<dyn Clock>, screen: &mut Screen<'_>) -> Result<World, Stopped> {
    let world = World::prepare(directory, clock, screen).await?;
    match tell(&world, screen).await {
        Ok(()) => Ok(world),
        Err(stopped) => {
            world.close().await;
            Err(stopped)
        }
    }
}

async fn tell(world: &World, screen: &mut Screen<'_>) -> Result<(), Stopped> {
    let delivered = journey::play(world, screen).await?;
    refusals::play(world, &delivered, screen).await
}
