// The page that asks for the token. What follows # in an address is never sent.
const field = document.getElementById("token");

async function enter() {
  const token = field.value.trim();
  if (!token) return;
  const problem = document.getElementById("problem");
  try {
    const answer = await fetch("enter", { method: "POST", body: JSON.stringify({ token }),
      headers: { "Content-Type": "application/json", "X-Nearlabel": "1" } });
    if (answer.ok) return location.replace("/");
    problem.textContent = await answer.text();
  } catch {
    problem.textContent = "The server does not answer.";
  }
  field.focus();
}

document.getElementById("enter").addEventListener("click", enter);
field.addEventListener("keydown", (event) => event.key === "Enter" && enter());
if (location.hash.length > 1) {
  field.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", "/");
  enter();
} else field.focus();
