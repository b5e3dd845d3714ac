"""Named deployments: base paths, key prefix, limits; one TOML each."""
