-- Interned names of resource types.
CREATE TABLE resource_type (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- The current version of every resource; a deleted one stays as its tombstone.
CREATE TABLE resource (
    rid INTEGER NOT NULL PRIMARY KEY,
    type_id BIGINT NOT NULL,
    fhir_id TEXT NOT NULL,
    key BIGINT NOT NULL,
    version BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    method BIGINT NOT NULL,
    body BLOB NOT NULL
);
-- GET Type/id; the target of a reference.
CREATE UNIQUE INDEX resource_key ON resource (key);
-- Type/_history, _lastUpdated.
CREATE INDEX resource_type_updated ON resource (type_id, updated_us, rid);
-- _history of the system.
CREATE INDEX resource_updated ON resource (updated_us, rid);

-- Earlier versions.
CREATE TABLE history (
    rid BIGINT NOT NULL,
    version BIGINT NOT NULL,
    type_id BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    method BIGINT NOT NULL,
    body BLOB NOT NULL,
    -- GET Type/id/_history and _history/version.
    PRIMARY KEY (rid, version)
);
-- Type/_history.
CREATE INDEX history_type_updated ON history (type_id, updated_us, rid);
-- _history of the system.
CREATE INDEX history_updated ON history (updated_us, rid);

-- In which versions (since to until, both inclusive) a resource is in a patient's compartment.
CREATE TABLE compartment (
    patient_key BIGINT NOT NULL,
    type_id BIGINT NOT NULL,
    rid BIGINT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    -- Every patient-scoped access joins this.
    PRIMARY KEY (patient_key, type_id, rid, since)
) WITHOUT ROWID;
-- What changes when a resource is updated.
CREATE INDEX compartment_rid ON compartment (rid);
