"""The look of the pages: one style sheet, light and dark, screen and paper."""

from html import escape

STYLE = """
:root{color-scheme:light dark;--ink:#1f2328;--muted:#59636e;--page:#f5f6f8;--card:#fff;
--line:#dde1e6;--pill:#eef1f4;--edge:#a3abb5;--grid:rgba(110,119,129,.2);--good:#1a7f37;
--warn:#9a6700;--bad:#cf222e;--accent:#0b63b6;--good-bg:#e3f4e7;--warn-bg:#fff3d1;--bad-bg:#ffe9e8;
--series-1:#0072b2;--series-2:#d55e00;--series-3:#009e73;--series-4:#b8578f;--series-5:#c98a00;
--series-6:#3a9bd1}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6edf3;--muted:#9aa4af;--page:#0d1117;
--card:#161b22;--line:#2f3742;--pill:#242c36;--edge:#5b6673;--grid:rgba(150,160,170,.2);--good:#4cc265;
--warn:#e0ac3b;--bad:#ff7b72;--accent:#6cb2ff;--good-bg:#12311c;--warn-bg:#352a10;--bad-bg:#3b1a1c;
--series-1:#4ba3e3;--series-2:#f0803c;--series-3:#2fc08f;--series-4:#e08fc0;--series-5:#f0b429;
--series-6:#7cc8f5}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,
'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1320px;margin:0 auto;padding:28px 28px 56px}
h1{font-size:26px;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:18px;margin:36px 0 12px;letter-spacing:-.005em}
h3{font-size:15px;margin:22px 0 8px}
a{color:var(--accent)}
code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;
font-size:.9em}
code{overflow-wrap:anywhere}
.muted{color:var(--muted)}
.head{display:flex;gap:14px;align-items:center;flex-wrap:wrap}
.chip{display:inline-block;padding:1px 9px;border-radius:99px;font-size:12.5px;font-weight:600;
white-space:nowrap;background:var(--pill);color:var(--muted)}
.chip.good{background:var(--good-bg);color:var(--good)}
.chip.warn{background:var(--warn-bg);color:var(--warn)}
.chip.bad{background:var(--bad-bg);color:var(--bad)}
.head .chip{font-size:15px;padding:3px 14px}
.facts{display:flex;flex-wrap:wrap;gap:4px 24px;margin:12px 0 0;padding:0;color:var(--muted)}
.facts div{display:flex;gap:7px;min-width:0}
.facts dt{flex:none}
.facts dd{margin:0;color:var(--ink);overflow-wrap:anywhere}
.command{margin:14px 0 0;padding:9px 14px;background:var(--pill);border-radius:8px;
white-space:pre-wrap;overflow-wrap:anywhere}
.banner{margin:20px 0 0;padding:14px 18px;border-radius:10px;border-left:5px solid var(--bad);
background:var(--bad-bg)}
.banner.warn{border-color:var(--warn);background:var(--warn-bg)}
.banner p{margin:6px 0}
.banner pre{margin:8px 0;white-space:pre-wrap;overflow-wrap:anywhere;max-height:20em;overflow:auto}
.banner .command{background:var(--card);margin:8px 0 2px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(148px,1fr));gap:12px;
margin:22px 0 0}
.card,.panel{background:var(--card);border:1px solid var(--line);border-radius:10px}
.card{padding:12px 16px;min-width:0}
.card .name{color:var(--muted);font-size:13px;overflow-wrap:anywhere}
.card .value{font-size:25px;font-weight:600;line-height:1.25;letter-spacing:-.01em;
overflow-wrap:anywhere}
.card .under{color:var(--muted);font-size:12.5px;overflow-wrap:anywhere}
.card .under span{display:inline-block}
.small-cards{grid-template-columns:repeat(auto-fill,minmax(136px,1fr));gap:9px;margin:0}
.small-cards .card{padding:8px 13px}
.small-cards .value{font-size:17px}
.panel{padding:16px 18px;min-width:0;overflow-x:auto}
.flow{display:flex;flex-wrap:wrap;gap:14px;align-items:flex-start}
.flow>.drawing{flex:0 1 auto;max-width:100%;text-align:center}
.flow>.beside{flex:1 1 440px;min-width:0;display:grid;gap:14px}
.graph{display:block;margin:0 auto;max-width:100%;height:auto}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;margin:12px 0 0;font-size:12.5px;
color:var(--muted)}
.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px;
background:var(--kind)}
.gantt{display:grid;grid-template-columns:fit-content(42%) 1fr;gap:5px 12px;align-items:center;
font-size:13px}
.gantt .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:12.5px}
.gantt .track{position:relative;height:20px;padding-right:74px}
.gantt .lane{position:relative;height:100%;background:linear-gradient(var(--grid),var(--grid))
left/100% 1px no-repeat;background-position:left center}
.gantt .bar{position:absolute;top:3px;height:14px;min-width:3px;border-radius:3px;
background:var(--kind)}
.gantt .bar.failed{background:var(--bad)}
.gantt .took{position:absolute;top:0;padding-left:7px;white-space:nowrap;font-size:12px;
color:var(--muted);line-height:20px}
.gantt .ticks{position:relative;height:18px;margin-right:74px;font-size:11.5px;color:var(--muted)}
.gantt .ticks span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.gantt .ticks span:first-child{transform:none}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th{font-weight:600;color:var(--muted);text-align:left;font-size:12.5px;vertical-align:bottom}
th,td{padding:5px 18px 5px 0;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
th:last-child,td:last-child{padding-right:0}
td{vertical-align:top;line-height:20px;overflow-wrap:break-word}
.number{text-align:right;white-space:nowrap;overflow-wrap:normal;min-width:0}
tr.reason td{color:var(--bad);padding-top:0;border-top:0}
tr.reason td,tr.has-reason td{overflow-wrap:anywhere}
tr.has-reason td{border-bottom:0}
tr.reason.quiet td{color:var(--muted)}
tr.reason.why td{color:var(--ink)}
.dot{display:inline-block;width:9px;height:9px;border-radius:3px;background:var(--kind);
margin-right:8px}
.meter{display:inline-block;height:8px;border-radius:2px;background:var(--warn);vertical-align:middle;
min-width:2px}
.figures.paired{--least:480px}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(var(--least,360px),100%),1fr));gap:14px;
margin-top:14px}
figure{margin:0}
figcaption{font-weight:600;font-size:14px;margin-bottom:6px;overflow-wrap:anywhere}
.figure{display:block;width:100%;height:auto}
.note{color:var(--muted);font-size:13px;margin:8px 0 0}
.tables{display:flex;flex-wrap:wrap;gap:14px;margin-top:14px;align-items:flex-start}
.tables>.panel{flex:1 1 auto;min-width:min(400px,100%);max-width:100%}
details{margin-top:14px}
summary{cursor:pointer;font-weight:600;font-size:18px}
details pre{margin:12px 0 0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px}
td.kept{white-space:nowrap}
.lead{margin:18px 0 0;font-size:16px}
.schemas{columns:360px;column-gap:34px}
.schemas details{margin:0 0 6px;break-inside:avoid}
.schemas summary{font-size:13.5px;font-weight:400;line-height:22px;overflow-wrap:anywhere}
.schemas table{margin:2px 0 10px 14px;width:calc(100% - 14px);font-size:12.5px}
.schemas td{line-height:18px;padding-top:2px;padding-bottom:2px}
footer{margin-top:40px;color:var(--muted);font-size:13px}
@media (max-width:640px){main{padding:18px 14px 40px}.panel{padding:12px}
.gantt{grid-template-columns:1fr;gap:1px}.gantt .name{margin-top:6px}.gantt .corner{display:none}}
@media print{:root{--page:#fff;color-scheme:light;print-color-adjust:exact}
body{font-size:11px}main{max-width:none;padding:0}
.panel,.card,figure,tr{break-inside:avoid}.panel{overflow:visible}
h2{break-after:avoid}}
"""


def html_page(title: str, body: str) -> str:
    """Return a whole HTML document; the title is escaped here, the body is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )
