-- Records of the authorization server: clients, users, keys, and what may happen once (codes, jti).
CREATE TABLE authorization_record (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    expires_us BIGINT NOT NULL,
    -- One record, or those whose key begins with a prefix.
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
-- What has expired.
CREATE INDEX authorization_record_expires ON authorization_record (expires_us);
