"""A real Airflow on this machine, and the whole story told on it (``fermata demo``).

``airflow_server`` is also what the tests stand on. The story itself runs the command line as a
user would, in processes of its own: it imports neither the renderer nor an HTTP library, and
checks each claim by asking Airflow itself.
"""
