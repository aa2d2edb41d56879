// Places an order through the client of @hey-api/openapi-ts.
// Arguments: address of the api, e-mail of a new account, card token. Prints what came of it as JSON.
import { client } from "./hey_api_client/client.gen";
import {
  getOrder,
  listOrderEvents,
  listProducts,
  loginByEmail,
  placeOrder,
  registerByEmail,
} from "./hey_api_client/sdk.gen";
import type { OrderEventType, OrderStatus, PaymentMethodType, ProblemType } from "./hey_api_client/types.gen";

const OVER: Record<OrderStatus, boolean> = {
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
  client.setConfig({ baseUrl });
  const registered = await registerByEmail({ body: { firstName: "Anna", lastName: "Petrova", email, password } });
  if (registered.error) throw new Error(registered.error.type);
  const login = await loginByEmail({ body: { email, password } });
  if (login.error) throw new Error(login.error.type);
  const products = await listProducts({ query: { inStock: "true", limit: 1 } });
  if (products.error) throw new Error(products.error.type);
  const product = products.data.items[0];
  if (product === undefined) throw new Error("the catalog is empty");

  const { accessToken } = login.data;
  client.setConfig({ auth: () => accessToken });
  const placed = await placeOrder({
    headers: { Prefer: "wait=20", "Idempotency-Key": `order-${email}` },
    body: { items: [{ productId: product.id, quantity: 1 }], ...ADDRESS, card },
  });
  if (placed.error) throw new Error(placed.error.type);
  const path = { orderId: placed.data.orderId };
  let order = await getOrder({ path });
  while (order.data && !OVER[order.data.status]) order = await getOrder({ path });
  if (order.error) throw new Error(order.error.type);
  const events = await listOrderEvents({ path });
  if (events.error) throw new Error(events.error.type);

  const refused = await placeOrder({ body: { productId: placed.data.orderId, ...ADDRESS } });
  const problem: ProblemType | undefined = refused.error?.type;
  const method: PaymentMethodType | undefined = order.data?.payment?.method;
  const types: OrderEventType[] | undefined = events.data?.items.map((event) => event.type);
  console.log(JSON.stringify({ status: order.data?.status, method, lastEvent: types?.at(-1), problem }));
}

const [baseUrl = "", email = "", card = ""] = process.argv.slice(2);
void main(baseUrl, email, card);
