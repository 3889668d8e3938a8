"""The register map generator: one hand-written TOML file per role, many generated files beside and after it."""
