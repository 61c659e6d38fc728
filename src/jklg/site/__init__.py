"""The public pages that belong to no single noun: home, a journey with its dates, how booking works, the terms, the site map."""
