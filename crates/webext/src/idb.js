// A table of texts in IndexedDB, each write one strict transaction.
let opening;

function open(name) {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("t");
    request.onsuccess = () => {
      request.result.onclose = request.result.onversionchange = () => { opening = undefined; };
      resolve(request.result);
    };
    request.onerror = () => { opening = undefined; reject(request.error); };
    request.onblocked = request.onerror;
  });
  return opening;
}

async function run(name, mode, act) {
  const database = await open(name);
  return new Promise((resolve, reject) => {
    let result;
    const transaction = database.transaction("t", mode, { durability: "strict" });
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
    act(transaction.objectStore("t"), (value) => { result = value; });
  });
}

export const idb_get = (name, key) =>
  run(name, "readonly", (store, keep) => {
    store.get(key).onsuccess = (event) => keep(event.target.result);
  });

export const idb_names = (name) =>
  run(name, "readonly", (store, keep) => {
    store.getAllKeys().onsuccess = (event) => keep(event.target.result);
  });

export const idb_set = (name, keys, values) =>
  run(name, "readwrite", (store) => keys.forEach((key, index) => store.put(values[index], key)));

export const idb_remove = (name, keys) =>
  run(name, "readwrite", (store) => keys.forEach((key) => store.delete(key)));

// Raw bytes in the Cache API: a second place for the device key, in another database of the browser.
const ADDRESS = "https://relaykeep.invalid/";
export async function cache_get(name) {
  const answer = await (await caches.open("rk1")).match(ADDRESS + name);
  return answer && new Uint8Array(await answer.arrayBuffer());
}
export async function cache_set(name, bytes) {
  await (await caches.open("rk1")).put(ADDRESS + name, new Response(bytes));
}
export async function cache_remove(name) {
  await (await caches.open("rk1")).delete(ADDRESS + name);
}
