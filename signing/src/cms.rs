//! CMS SignedData as received: raw views over the normalised bytes.
