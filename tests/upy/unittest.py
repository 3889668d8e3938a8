"""The part of unittest that dual-run tests use, for MicroPython, which ships none.

Only on the path of the VM (tests/upy/run.py puts it there); CPython uses its own. It offers assertEqual, assertTrue,
assertFalse and assertRaises and nothing else on purpose: a test that uses more is not dual-run and fails here.
"""

import sys


class TestCase:
    def setUp(self):
        pass

    def tearDown(self):
        pass

    def assertEqual(self, first, second, message=None):
        if not first == second:
            raise AssertionError(_text(f"{first!r} is not equal to {second!r}", message))

    def assertTrue(self, value, message=None):
        if not value:
            raise AssertionError(_text(f"{value!r} is not true", message))

    def assertFalse(self, value, message=None):
        if value:
            raise AssertionError(_text(f"{value!r} is not false", message))

    def assertRaises(self, expected, function=None, *arguments):
        context = _Raises(expected)
        if function is None:
            return context
        with context:
            function(*arguments)
        return None


class _Raises:
    def __init__(self, expected):
        self._expected = expected
        self.exception = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            raise AssertionError(f"{self._expected!r} was not raised")
        self.exception = value
        return issubclass(kind, self._expected)


def main(module="__main__"):
    """Run the tests of an imported module, print one line per test and the sum, and exit 1 on failure."""
    passed, failed = run(sys.modules[module])
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


def run(module):
    """Run every test of `module`; return (passed, failed)."""
    passed = failed = 0
    for name in sorted(dir(module)):
        case = getattr(module, name)
        if not (isinstance(case, type) and issubclass(case, TestCase)) or case is TestCase:
            continue
        for method in sorted(dir(case)):
            if method.startswith("test"):
                if _run_one(case, name, method):
                    passed += 1
                else:
                    failed += 1
    return passed, failed


def _run_one(case, name, method):
    test = case()
    try:
        test.setUp()
        try:
            getattr(test, method)()
        finally:
            test.tearDown()
    except Exception as error:
        print(f"{name}.{method} FAIL")
        sys.print_exception(error)
        return False
    print(f"{name}.{method} ok")
    return True


def _text(reason, message):
    return reason if message is None else f"{message}: {reason}"
