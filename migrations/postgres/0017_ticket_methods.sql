-- How the first factor was proved that a ticket stands for, for the audit log.
ALTER TABLE sign_in_tickets ADD COLUMN method TEXT NOT NULL DEFAULT 'password';
