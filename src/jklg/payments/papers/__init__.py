"""All papers of a booking in one place: what there is, and each of them as a file. Invoices, receipts, voucher, itinerary, calendar."""

from jklg.payments.papers.shelf import Document, Shelf, hand_over, list_documents, read

__all__ = ["Document", "Shelf", "hand_over", "list_documents", "read"]
