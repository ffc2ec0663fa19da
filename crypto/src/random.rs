//! Random bytes of the operating system.
/// Fills from the OS CSPRNG; aborts the process if the OS has none (documented).
pub fn fill(_bytes: &mut [u8]) { todo!() }
pub fn array<const N: usize>() -> [u8; N] { let mut a = [0; N]; fill(&mut a); a }
