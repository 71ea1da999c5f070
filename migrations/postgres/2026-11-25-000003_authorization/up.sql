-- Records of the authorization server: clients, users, keys, and what may happen once (codes, jti).
CREATE TABLE authorization_record (
    kind TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    expires_us BIGINT NOT NULL,
    -- One record, or those whose key begins with a prefix.
    PRIMARY KEY (kind, key)
);
-- What has expired.
CREATE INDEX authorization_record_expires ON authorization_record (expires_us);
