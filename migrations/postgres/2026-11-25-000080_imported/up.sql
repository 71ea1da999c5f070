-- What imports have finished: files, and documents and entries whose repetition would store them twice.
CREATE TABLE imported (
    key TEXT NOT NULL PRIMARY KEY
);
