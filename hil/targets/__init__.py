"""Ways to run the firmware under test. Empty, so that what a target is can be known without all of them."""
