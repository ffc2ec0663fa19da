-- What the sender stated of a document (schemas/src/kinds.rs): JSON of schemas::kinds::Metadata. NULL: nothing.
ALTER TABLE message ADD COLUMN metadata TEXT;
