// Puts the server's own drawing into the page, where it can follow the theme's colours.
export default function ({ data, parentElement: root }) {
  for (const size of ["wide", "narrow"]) root.querySelector(`.${size}`).innerHTML = data[size];
}
