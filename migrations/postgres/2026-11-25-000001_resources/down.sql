DROP TABLE compartment;
DROP TABLE history;
DROP TABLE resource;
DROP TABLE resource_type;
