# fermata: silence secret
URL = "http://user:password@example"
