"""What really runs: each kind of job is a module started as a process of its own by the control plane."""
