"""Forms in which a run is told: lines, JSON, JUnit, one page of HTML, a bundle that repeats it."""
