DROP TABLE authorization_record;
