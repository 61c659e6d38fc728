"""The staff's forms about the money of one booking: send it back, agree to what somebody else asked, take cash, give up for a customer."""
