// Fastify 5: bodies validated and answers serialised by compiled schemas.
import Fastify from 'fastify';
import { createVerifier } from 'fast-jwt';
import pg from 'pg';
import { openCustomers } from '../customers.mjs';
import { openStaff } from '../staff.mjs';
import { MAX_BODY, Refusal, checkContact, openTrade } from '../trade.mjs';

const text = { type: 'string' };
const whole = { type: 'integer' };
const party = { type: 'object', additionalProperties: whole };

const bookingRequest = {
  type: 'object',
  additionalProperties: false,
  required: ['departure_id', 'party', 'customer_name', 'customer_email', 'customer_phone'],
  properties: {
    departure_id: { type: 'string', pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' },
    party, customer_name: text, customer_email: text, customer_phone: text, special_requests: text,
  },
};

const bookingAnswer = {
  type: 'object',
  properties: {
    success: { type: 'boolean' },
    booking: {
      type: 'object',
      properties: {
        id: text, reference: text, status: text, payment_status: text, departure_id: text, package_id: text, package: text,
        travel_date: text, return_date: text, party, cancelled_party: party, num_adults: whole, num_children: whole, seats: whole,
        total_price: whole, price: whole, amount_due: whole, currency: text, customer_name: text, customer_email: text, customer_phone: text, special_requests: text,
        hold_expires_at: text, created_at: text, lines: { type: 'null' },
      },
    },
    manage_token: text,
    manage_url: text,
    message: text,
  },
};

const trade = openTrade(pg);
const customers = openCustomers(createVerifier, trade);
const staff = openStaff(trade);
const app = Fastify({
  logger: false,
  bodyLimit: MAX_BODY,
  keepAliveTimeout: 60_000,
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
});

app.post('/api/bookings', { schema: { body: bookingRequest, response: { 201: bookingAnswer } } }, async (request, reply) => {
  reply.code(201);
  return trade.hold(checkContact(request.body));
});

// Webhooks are verified over their raw bytes: this scope reads bodies as they came.
app.register(async (scope) => {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));
  const receipt = { type: 'object', properties: { received: { type: 'boolean' } } };
  scope.post('/api/payments/process-webhook', { schema: { response: { 200: receipt } } }, (request) => trade.file(request.headers, request.body));
});

app.get('/api/payments/transactions', (request) => staff.transactions(request.headers.cookie, request.query.status));

app.get('/api/customers/me', async (request, reply) => {
  const text = await customers.me(request.headers.authorization);
  reply.type('application/json; charset=utf-8');
  return text;
});

app.get('/api/customers/:id/bookings', async (request, reply) => {
  const text = await customers.bookings(request.headers.authorization, request.params.id);
  reply.type('application/json; charset=utf-8');
  return text;
});

app.get('/api/health', async () => ({ status: 'ok' }));

app.setErrorHandler((error, request, reply) => {
  if (error instanceof Refusal) reply.code(error.status).send({ error: error.message, code: error.code });
  else if (error.statusCode >= 400 && error.statusCode < 500) reply.code(error.validation ? 422 : error.statusCode).send({ error: error.message, code: 'malformed' });
  else {
    console.error(error);
    reply.code(500).send({ error: 'Something went wrong.', code: 'internal' });
  }
});

await trade.ready();
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 1024 });
