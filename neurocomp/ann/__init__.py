"""The imported network: its operators, and the graph they form."""
