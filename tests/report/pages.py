"""Pages as tests read them, and a text that no page may take for its own."""

from html.parser import HTMLParser

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&"
VOID = {"meta", "br", "img", "link", "input", "hr", "wbr"}


class Page(HTMLParser):
    """Collects elements, attributes and text, and checks that every element is closed."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.text, self.open = [], [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def addresses(self):
        names = {"src", "href", "xlink:href", "action", "data", "srcset", "poster"}
        return [(t, value) for t, name, value in self.attributes if name in names]
