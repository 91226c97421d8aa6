// Small behaviours of the pages, hung on data- attributes. Everything works
// without them; nothing here decides anything. Files in js/ are served as one.
"use strict";

document.documentElement.classList.add("has-script");

// on listens for an event on anything that matches, also what htmx swaps in later.
function on(type, selector, handle) {
	document.addEventListener(type, (event) => {
		const hit = event.target instanceof Element && event.target.closest(selector);
		if (hit) handle(event, hit);
	});
}

function announce(text) {
	const live = document.getElementById("live");
	if (live) live.textContent = text;
}

// A form is sent once: a second click while the first is on its way does nothing.
// The button is marked after the submit, so that its name and value are sent.
document.addEventListener("submit", (event) => {
	const form = event.target;
	if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-resubmit")) return;
	if (form.hasAttribute("data-sent")) {
		event.preventDefault();
		return;
	}
	form.setAttribute("data-sent", "");
	// A form that gives a file leaves the page as it is: its button would turn for ever.
	if (event.submitter && !form.hasAttribute("data-download")) event.submitter.classList.add("busy");
});

// A page that comes back from the browser's memory may be sent again.
window.addEventListener("pageshow", () => {
	for (const form of document.querySelectorAll("form[data-sent]")) form.removeAttribute("data-sent");
	for (const button of document.querySelectorAll(".busy")) button.classList.remove("busy");
});
document.addEventListener("htmx:afterRequest", (event) => {
	const form = event.target.closest && event.target.closest("form[data-sent]");
	if (form) {
		form.removeAttribute("data-sent");
		for (const button of form.querySelectorAll(".busy")) button.classList.remove("busy");
	}
});

// A choice that stands instead of other fields empties them, and what is filled in there takes it back.
on("change", "[data-instead-of]", (event, choice) => {
	if (!choice.value) return;
	for (const name of choice.getAttribute("data-instead-of").split(" ")) choice.form.elements[name].value = "";
});
on("input", "[data-search] input[type=date]", (event, field) => {
	const choice = field.form.querySelector("[data-instead-of]");
	if (choice && field.value) choice.value = "";
});

on("change", "[data-autosubmit]", (event, control) => control.form && control.form.requestSubmit());

on("click", "[data-copy]", async (event, button) => {
	const text = button.getAttribute("data-copy");
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		return; // not a secure context: the text beside the button can be selected
	}
	const before = button.textContent;
	button.textContent = button.getAttribute("data-copied");
	announce(button.textContent);
	setTimeout(() => { button.textContent = before; }, 2000);
});

// Menus close on a click elsewhere; Escape is in keys.js.
document.addEventListener("click", (event) => {
	for (const menu of document.querySelectorAll("details.qd-menu[open]")) {
		if (!menu.contains(event.target)) menu.open = false;
	}
});

// Toasts go after ten seconds, but not while somebody points at or is in them.
function watchToasts(root) {
	for (const toast of root.querySelectorAll("[data-toast]:not([data-toast-stays])")) {
		let timer;
		const start = () => { timer = setTimeout(() => toast.remove(), 10000); };
		const stop = () => clearTimeout(timer);
		toast.addEventListener("pointerenter", stop);
		toast.addEventListener("pointerleave", start);
		toast.addEventListener("focusin", stop);
		toast.addEventListener("focusout", start);
		start();
	}
}
on("click", "[data-toast-close]", (event, button) => button.closest("[data-toast]").remove());

function focusMarked(root) {
	const target = root.querySelector("[data-focus]");
	// A part that only takes keys does not pull the page down to itself.
	if (target) target.focus({preventScroll: target.hasAttribute("data-keys")});
}

document.addEventListener("DOMContentLoaded", () => {
	watchToasts(document);
	focusMarked(document);
});
document.addEventListener("htmx:afterSwap", (event) => {
	watchToasts(event.target);
	focusMarked(event.target);
	// The element that had the focus may be gone: the region's heading takes it.
	if (document.activeElement === document.body) {
		const heading = event.target.querySelector("h2[tabindex], h1[tabindex]");
		if (heading) heading.focus({preventScroll: true});
	}
});

// What htmx puts into the address is where the forms of the frame come back to.
document.addEventListener("htmx:pushedIntoHistory", (event) => {
	for (const field of document.querySelectorAll("[data-here]")) field.value = event.detail.path;
});
