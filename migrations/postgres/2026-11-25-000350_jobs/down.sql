DROP TABLE custom_parameter;
DROP TABLE index_state;
DROP TABLE job;
