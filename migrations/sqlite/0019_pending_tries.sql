-- Codes that were shown to confirm the app that waits for its first.
ALTER TABLE totp ADD COLUMN pending_tries INTEGER NOT NULL DEFAULT 0;
