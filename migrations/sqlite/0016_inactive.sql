-- Why an account is switched off, and until when; without a time it is for good.
ALTER TABLE users ADD COLUMN inactive_reason TEXT;
ALTER TABLE users ADD COLUMN inactive_until TEXT;

CREATE INDEX users_inactive_until ON users (inactive_until) WHERE inactive_until IS NOT NULL;
