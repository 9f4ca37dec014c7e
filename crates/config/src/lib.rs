//! config.yaml: one file per section; load, expand, validate, JSON schema.
