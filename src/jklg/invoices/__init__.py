"""What we ask for a journey, in writing: an invoice with a gap-free number when its booking is confirmed, credit notes when its price falls."""

from jklg.invoices.actions import forget, write
from jklg.invoices.queries import Invoice, list_of_booking
from jklg.invoices.rules import Seller

__all__ = ["Invoice", "Seller", "forget", "list_of_booking", "write"]
