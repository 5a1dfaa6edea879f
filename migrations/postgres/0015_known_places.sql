-- From where somebody signed in, so that strangers who guess at a password lock nobody out who was
-- there before: the address as limits count it, and the hash of a secret that the browser keeps.
ALTER TABLE logins ADD COLUMN network TEXT;
ALTER TABLE logins ADD COLUMN device_hash BYTEA;

CREATE INDEX logins_network ON logins (user_id, network);
CREATE INDEX logins_device ON logins (user_id, device_hash) WHERE device_hash IS NOT NULL;
