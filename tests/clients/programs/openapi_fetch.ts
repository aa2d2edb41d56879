// Places an order through openapi-fetch, on the types that openapi-typescript wrote.
// Arguments: address of the api, e-mail of a new account, card token. Prints what came of it as JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];

const OVER: Record<Schemas["OrderStatus"], boolean> = {
  created: false,
  reserved: false,
  payment_pending: false,
  paid: false,
  confirmed: true,
  cancelling: false,
  cancelled: true,
};
const ADDRESS = { country: "RU", region: "Moscow", city: "Moscow", street: "1 Gift Street" };

async function main(baseUrl: string, email: string, card: string): Promise<void> {
  const password = "correct horse battery staple 42";
  const anonymous = createClient<paths>({ baseUrl });
  const registered = await anonymous.POST("/api/v1/auth/register/email", {
    body: { firstName: "Anna", lastName: "Petrova", email, password },
  });
  if (registered.error) throw new Error(registered.error.type);
  const login = await anonymous.POST("/api/v1/auth/login/email", { body: { email, password } });
  if (login.error) throw new Error(login.error.type);
  const products = await anonymous.GET("/api/v1/products", { params: { query: { inStock: "true", limit: 1 } } });
  if (products.error) throw new Error(products.error.type);
  const product = products.data.items[0];
  if (product === undefined) throw new Error("the catalog is empty");

  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${login.data.accessToken}` } });
  const placed = await client.POST("/api/v1/orders", {
    params: { header: { Prefer: "wait=20", "Idempotency-Key": `order-${email}` } },
    body: { items: [{ productId: product.id, quantity: 1 }], ...ADDRESS, card },
  });
  if (placed.error) throw new Error(placed.error.type);
  const params = { path: { orderId: placed.data.orderId } };
  let order = await client.GET("/api/v1/orders/{orderId}", { params });
  while (order.data && !OVER[order.data.status]) order = await client.GET("/api/v1/orders/{orderId}", { params });
  if (order.error) throw new Error(order.error.type);
  const events = await client.GET("/api/v1/orders/{orderId}/events", { params });
  if (events.error) throw new Error(events.error.type);

  const refused = await client.POST("/api/v1/orders", { body: { productId: placed.data.orderId, ...ADDRESS } });
  const problem: Schemas["ProblemType"] | undefined = refused.error?.type;
  const method: Schemas["PaymentMethodType"] | undefined = order.data.payment?.method;
  const types: Schemas["OrderEventType"][] = events.data.items.map((event) => event.type);
  console.log(JSON.stringify({ status: order.data.status, method, lastEvent: types.at(-1), problem }));
}

const [baseUrl = "", email = "", card = ""] = process.argv.slice(2);
void main(baseUrl, email, card);
