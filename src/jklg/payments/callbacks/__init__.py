"""What a gateway's window tells the payer's browser, and the browser tells us. It rings the bell; the house asks the gateway itself."""
