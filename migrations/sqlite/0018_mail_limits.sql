-- How often an address was written to lately: mails of a kind to one that nobody has verified, whose
-- owner may never have heard of this server, and links for a forgotten password. Each mail puts the
-- time ahead at which nothing counts any more, in milliseconds since 1970.
DROP TABLE unverified_mails;

CREATE TABLE mail_limits (
    email_key TEXT NOT NULL,
    name TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (email_key, name)
) STRICT;
