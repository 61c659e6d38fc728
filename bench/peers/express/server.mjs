// Express 5, nothing but what the doors need.
import express from 'express';
import { createVerifier } from 'fast-jwt';
import pg from 'pg';
import { openCustomers } from '../customers.mjs';
import { openStaff } from '../staff.mjs';
import { MAX_BODY, Refusal, openTrade, readBooking } from '../trade.mjs';

const trade = openTrade(pg);
const customers = openCustomers(createVerifier, trade);
const staff = openStaff(trade);
const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.set('query parser', false);

app.post('/api/bookings', express.json({ limit: MAX_BODY }), async (request, response) => {
  response.status(201).json(await trade.hold(readBooking(request.body)));
});

app.post('/api/payments/process-webhook', express.raw({ type: () => true, limit: MAX_BODY, inflate: false }), async (request, response) => {
  response.json(await trade.file(request.headers, request.body));
});

app.get('/api/customers/me', async (request, response) => {
  json(response, await customers.me(request.headers.authorization));
});

app.get('/api/customers/:id/bookings', async (request, response) => {
  json(response, await customers.bookings(request.headers.authorization, request.params.id));
});

app.get('/api/payments/transactions', async (request, response) => {
  response.json(await staff.transactions(request.headers.cookie, new URL(request.url, 'http://x').searchParams.get('status')));
});

// JSON that is ready needs nothing of what response.send() would look into.
function json(response, text) {
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.end(text);
}

app.get('/api/health', (request, response) => response.json({ status: 'ok' }));

app.use((error, request, response, next) => {
  if (error instanceof Refusal) response.status(error.status).json({ error: error.message, code: error.code });
  else if (error.status >= 400 && error.status < 500) response.status(error.status).json({ error: error.message, code: 'malformed' });
  else {
    console.error(error);
    response.status(500).json({ error: 'Something went wrong.', code: 'internal' });
  }
});

await trade.ready();
const server = app.listen(Number(process.env.PORT), '127.0.0.1', 1024);
server.keepAliveTimeout = 60_000;
