"""A run as a page: its plan, its threads, its time and its texts.

run folder ─ run_picture ─> picture/ ─> JSON ─┬─ viewer_server   the page, and what has changed since
             journal_watch   pure             ├─ page_file       the page with all of it in one file
             kept_texts                       └─ perfetto        a trace
                                                    page.html, page.css, page/*.js draw
"""
