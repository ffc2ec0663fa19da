//! The table of algorithms: which implementation serves which, chosen in one place.
