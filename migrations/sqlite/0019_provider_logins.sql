-- Sessions that an identity provider's word opened (gateway/access/src/login/provider.rs). Their certificate is empty, and no release before
-- this one serves them: it would find a session without one, and refuse it.

ALTER TABLE session ADD COLUMN provider TEXT CHECK ((provider IS NULL) = (length(certificate) > 0));
-- Of the person's name at the provider, which may be one of their numbers: a code under a key that is not in the database.
ALTER TABLE session ADD COLUMN subject BLOB CHECK ((subject IS NULL) = (provider IS NULL) AND (subject IS NULL OR length(subject) = 32));
-- ЄДРПОУ of the organisation that the provider named.
ALTER TABLE session ADD COLUMN organisation TEXT;
-- How sure the provider was, in its words.
ALTER TABLE session ADD COLUMN assurance TEXT;
