"""Mutation testing of firmware/control/: does a test notice every small wrong change of the code?"""
