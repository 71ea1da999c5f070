DROP TABLE ix_uri;
DROP TABLE ix_reference;
DROP TABLE ix_date;
DROP TABLE ix_string;
DROP TABLE ix_token;
DROP TABLE parameter;
