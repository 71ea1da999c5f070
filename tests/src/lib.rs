//! The black-box tests are in `it/`.
