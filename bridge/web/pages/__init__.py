"""The pages: server-rendered, complete without script. They call the functions that the JSON API calls.

`routes.py` says how a page is registered and guarded, `visits.py` who visits it, `rendering.py` how it is shown,
`forms.py` how a form is read; `table.py` lists every page. Each other module is one page, or a few of one noun.
"""
