TABLES = ["orders", "returns"]
