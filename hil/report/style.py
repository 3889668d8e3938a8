"""The style of the report page. Colours never stand alone: every verdict is a word too."""

STYLE = """
:root { color-scheme: light dark; --ok: #1a7f37; --bad: #c62828; --none: #8a6100; --line: #8884; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; } h3 { font-size: 1rem; margin: .8rem 0 .3rem; }
table { border-collapse: collapse; margin: .6rem 0; } th, td { padding: .3rem .7rem; text-align: left; }
th, td { border-bottom: 1px solid var(--line); vertical-align: top; } thead th { font-weight: 600; }
tbody th { font-weight: 400; } small { color: #888; font-weight: 400; } td small { display: block; }
code, pre { font: 13px/1.4 ui-monospace, monospace; } code { overflow-wrap: anywhere; }
pre { border-left: 3px solid var(--line); padding: .3rem .8rem; overflow-x: auto; }
.passed { color: var(--ok); } .failed { color: var(--bad); font-weight: 600; } .blocked { color: var(--none); }
td.passed small, td.failed small, td.blocked small { font-weight: 400; }
.accounts td, .figures td { font-variant-numeric: tabular-nums; } ul { margin: .3rem 0; }
.box { fill: #8883; stroke: #888; } line.in { stroke: var(--ok); stroke-width: 3; }
line.out { stroke: var(--bad); stroke-width: 3; } table.matrix { width: 100%; }
@media print { section { break-inside: avoid; } }
"""
